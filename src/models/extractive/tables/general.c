/* general.c: words that steer the reading: months, abbreviations, negations, labels, currencies,
 * magnitudes. Written for docmill. */
#include "models/extractive/lexicon.h"

/* clang-format off */
#define WORDS(classes, words) { 0, classes, 0, words }
#define MONTH(number, words) { 0, DM_EX_MONTH | DM_EX_NOT_NAME, number, words }

static const struct dm_ex_row rows[] = {
    MONTH(1,
      "january,jan,januar,jänner,janvier,enero,gennaio,janeiro,januari,tammikuuta,január,ianuarie,ocak,января,"
      "stycznia,ledna,січня"),
    MONTH(2,
      "february,feb,februar,februari,février,fevr,févr,febrero,febbraio,fevereiro,helmikuuta,február,februarie,"
      "şubat,февраля,lutego,února,лютого"),
    MONTH(3,
      "march,mar,märz,mrz,mars,marzo,março,maart,marts,maaliskuuta,március,martie,mart,марта,marca,března,"
      "березня"),
    MONTH(4,
      "april,apr,avril,avr,abril,aprile,huhtikuuta,április,aprilie,nisan,апреля,kwietnia,dubna,квітня"),
    MONTH(5,
      "may,mai,mayo,maggio,maio,mei,maj,toukokuuta,május,mayıs,мая,maja,května,травня"),
    MONTH(6,
      "june,jun,juni,juin,junio,giugno,junho,kesäkuuta,június,iunie,haziran,июня,czerwca,června,червня"),
    MONTH(7,
      "july,jul,juli,juillet,juil,julio,luglio,julho,heinäkuuta,július,iulie,temmuz,июля,lipca,července,липня"),
    MONTH(8,
      "august,aug,août,agosto,ago,augusti,augustus,elokuuta,augusztus,ağustos,августа,sierpnia,srpna,серпня"),
    MONTH(9,
      "september,sep,sept,septembre,septiembre,settembre,setembro,syyskuuta,szeptember,septembrie,eylül,"
      "сентября,września,září,вересня"),
    MONTH(10,
      "october,oct,oktober,okt,octobre,octubre,ottobre,outubro,lokakuuta,október,octombrie,ekim,октября,"
      "października,října,жовтня"),
    MONTH(11,
      "november,nov,novembre,noviembre,novembro,marraskuuta,noiembrie,kasım,ноября,listopada,listopadu,"
      "листопада"),
    MONTH(12,
      "december,dec,dezember,dez,décembre,déc,diciembre,dic,dicembre,dezembro,joulukuuta,decembrie,aralık,"
      "декабря,grudnia,prosince,грудня"),
    WORDS( DM_EX_NOT_NAME,
      "monday,tuesday,wednesday,thursday,friday,saturday,sunday,montag,dienstag,mittwoch,donnerstag,freitag,"
      "samstag,sonnabend,sonntag,lundi,mardi,mercredi,jeudi,vendredi,samedi,dimanche,lunes,martes,miércoles,"
      "jueves,viernes,sábado,domingo,lunedì,martedì,mercoledì,giovedì,venerdì,sabato,domenica,maandag,dinsdag,"
      "woensdag,donderdag,vrijdag,zaterdag,zondag"),

    WORDS(DM_EX_ABBREVIATION,
      "mr,mrs,ms,az,dr,prof,hr,st,jr,sra,srta,mme,mlle,dott,sig,ing,dipl,rev,hon,capt,lt,sgt,gov,vs,viz,cf,eg,"
      "ie,resp,approx,ca,figs,abb,eqs,sect,vols,pp,nr,nrn,nos,núm,abs,ziff,bzw,bspw,vgl,sog,evtl,ggf,inkl,exkl,"
      "zzgl,insb,einschl,mind,hrsg,lfd,geb,gest,ehem,zb,jh,réf,pág,págs,ej,стр,рис,табл,им,ул,руб,тыс,bijv,dvs,"
      "eks,ex"),
    WORDS(DM_EX_WEAK_ABBREVIATION,
      "inc,ltd,co,corp,bros,etc,usf,usw,jan,feb,apr,aug,sept,oct,nov,dec,janv,févr,juil,déc,ave,blvd,rd,assn,"
      "dept,ff,cie,fr,al,no,fig,max,min,tab,ch,chap,gen,rep,ed,eds,art,arts,vol,sec,eq,ref,tel,str,bd,lit,gem,"
      "mio,mrd,av,num,sen,col,maj,г,гг,кв,млн,млрд,sr,op,n,bl"),
    WORDS(DM_EX_ELISION,
      "l,d,j,m,n,s,t,c,qu,lorsqu,puisqu,quoiqu,jusqu,presqu,all,dall,dell,nell,sull,quell,quest,coll,un,gl"),

    WORDS(DM_EX_DEPENDENT,
      "he,she,it,they,it's,that's,there's,they're,this,that,these,those,his,her,its,their,such,however,but,and,"
      "or,also,thus,therefore,hence,moreover,furthermore,nevertheless,nonetheless,otherwise,instead,then,so,"
      "consequently,likewise,similarly,conversely,finally,again,yet,here,still,another,both,neither,either,"
      "meanwhile,besides,additionally,er,sie,es,dies,diese,dieser,dieses,jedoch,aber,und,oder,auch,daher,"
      "deshalb,deswegen,dadurch,dabei,damit,außerdem,zudem,ferner,dennoch,trotzdem,somit,folglich,hierbei,"
      "hierzu,dann,sonst,il,elle,ils,elles,ce,cet,cette,ces,cela,ceci,mais,cependant,toutefois,donc,ainsi,"
      "aussi,enfin,puis,alors,él,ella,ellos,ellas,esto,este,esta,estos,estas,eso,esa,pero,además,también,"
      "asimismo,así,entonces,questo,questa,questi,queste,inoltre,però,tuttavia,quindi,anche,isso,isto,esse,"
      "essa,mas,porém,também,assim,это,эти,этот,эта,он,она,они,оно,однако,но,также,поэтому,таким,кроме"),
    WORDS(DM_EX_DEPENDENT,
      "see,refer,note,siehe,vgl,voir,véase,vedi"),
    WORDS(DM_EX_BOILERPLATE,
      "copyright,©,reserved,trademark,trademarks,disclaimer,warranty,warranties,permission,permitted,"
      "unauthorized,unauthorised,reprinted,redistribution,urheberrechtlich,vorbehalten,marken,warenzeichen,"
      "droits réservés,reservados,riservati,printed"),
    WORDS(DM_EX_NEGATION,
      "not,no,never,neither,nor,none,nobody,nothing,without,cannot,can't,don't,doesn't,didn't,isn't,aren't,"
      "wasn't,weren't,won't,wouldn't,couldn't,shouldn't,hasn't,haven't,hadn't,ain't,hardly,barely,scarcely,"
      "lacks,lack,nicht,kein,keine,keinen,keinem,keiner,keines,nie,niemals,ohne,kaum,weder,nichts,ne,pas,"
      "jamais,aucun,aucune,sans,ni,guère,rien,nunca,jamás,ningún,ninguna,ninguno,sin,tampoco,nada"),
    WORDS( DM_EX_INTENSIFIER,
      "very,extremely,really,highly,incredibly,absolutely,totally,completely,deeply,remarkably,exceptionally,"
      "particularly,especially,truly,thoroughly,utterly,so,too,most,much,far,hugely,strongly,sehr,äußerst,"
      "besonders,extrem,überaus,absolut,völlig,total,wirklich,höchst,ausgesprochen,zutiefst,très,extrêmement,"
      "vraiment,particulièrement,absolument,totalement,tellement,fort,muy,extremadamente,realmente,sumamente,"
      "absolutamente,totalmente,tan,demasiado"),
    WORDS( DM_EX_DIMINISHER,
      "slightly,somewhat,fairly,rather,partly,partially,marginally,moderately,relatively,a bit,little,etwas,"
      "ziemlich,teilweise,relativ,leicht,einigermaßen,assez,plutôt,peu,légèrement,relativement,algo,bastante,"
      "poco,ligeramente,relativamente"),

    WORDS( DM_EX_CURRENCY,
      "usd,eur,gbp,chf,jpy,cny,rmb,cad,aud,nzd,sek,nok,dkk,pln,czk,huf,ron,rub,inr,brl,mxn,zar,krw,sgd,hkd,ils,"
      "dollar,dollars,euro,euros,cents,yen,yuan,franken,francs,rupees,rubles,roubles,pesos,kronor,kroner,"
      "kronen,dólares,dollari,sterline,reais,złotych,zł,kč,lei,lira,рублей,руб,евро,долларов,forint,shekels,"
      "baht,thb,sfr,kr,гривень,元,円,日元,美元,欧元,ユーロ,ドル"),
    WORDS(DM_EX_MAGNITUDE,
      "hundred,thousand,million,millions,billion,billions,trillion,trillions,mn,bn,mio,mrd,tsd,millionen,"
      "milliarde,milliarden,milliard,milliards,millón,millones,mil,milioni,miliardi,milione,milhões,milhão,"
      "bilhões,miljoen,miljard,miljoner,miljarder,millioner,milliarder,тыс,млн,млрд,миллионов,миллиардов,"
      "tysięcy"),

    WORDS(DM_EX_ID_LABEL,
      "invoice,order,contract,case,customer,account,policy,reference,ref,ticket,claim,serial,tracking,booking,"
      "confirmation,file,patent,licence,license,registration,purchase,quotation,quote,delivery,po,rma,vat,tax,"
      "passport,matter,docket,application,receipt,shipment,membership,agreement,project,member,employee,part,"
      "item,rechnung,rechnungs,auftrag,auftrags,vertrag,vertrags,kunden,kundennummer,rechnungsnummer,"
      "auftragsnummer,vertragsnummer,bestellnummer,bestellung,aktenzeichen,az,geschäftszeichen,steuernummer,"
      "lieferschein,lieferscheinnummer,artikelnummer,artikel,versicherungsnummer,policennummer,mandatsreferenz,"
      "angebot,angebotsnummer,vorgangsnummer,personalnummer,handelsregister,hrb,hra,matrikelnummer,facture,"
      "commande,contrat,dossier,client,référence,devis,siret,siren,police,factura,pedido,contrato,expediente,"
      "cliente,referencia,nif,cif,albarán,póliza,fattura,ordine,contratto,pratica,preventivo,factuur,"
      "factuurnummer,klantnummer,bestelnummer,ordernummer,fatura,encomenda,processo,счет,счёт,договор,инн,кпп,"
      "огрн"),
    WORDS(DM_EX_NUMBER_WORD,
      "no,nr,number,num,numéro,nummer,nº,n,número,numero,#,id,code,№,номер,n°"),
    WORDS(DM_EX_PHONE_LABEL,
      "tel,telephone,phone,fax,mobile,cell,telefon,telefax,handy,mobil,fon,téléphone,tél,teléfono,móvil,"
      "telefono,cellulare,telefone,telefoon,puh,тел,телефон,факс"),
    WORDS(DM_EX_WORK,
      "paper,document,manual,report,article,book,booklet,guide,study,thesis,agreement,contract,policy,letter,"
      "memo,memorandum,notice,proposal,specification,standard,tutorial,handbook,whitepaper,essay,survey,review,"
      "release,invoice,dokument,bericht,arbeit,handbuch,vertrag,artikel,buch,studie,leitfaden,rechnung,"
      "schreiben,gutachten,rapport,mémoire,étude,contrat,livre,manuel,documento,artículo,informe,estudio,"
      "contrato,libro,relazione,articolo,contratto,relatório,artigo,документ,отчет,отчёт,статья,договор"),

    /* Capitalised at the head of headings, clauses and sentences, and hence next to names
     * without being one. */
    WORDS( DM_EX_NOT_NAME,
      "exhibit,schedule,clause,paragraph,plan,type,class,group,phase,vitamin,chapter,section,article,table,"
      "figure,appendix,annex,page,part,volume,note,notes,example,introduction,summary,abstract,contents,index,"
      "references,conclusion,conclusions,overview,background,results,discussion,methods,acknowledgements,"
      "acknowledgments,copyright,version,release,edition,draft,dear,sincerely,regards,subject,date,agreement,"
      "contract,party,parties,seller,buyer,client,customer,supplier,contractor,employer,employee,tenant,"
      "landlord,licensee,licensor,provider,vendor,purchaser,lender,borrower,invoice,order,total,amount,price,"
      "quantity,description,payment,terms,signature,name,address,phone,email,e-mail,fax,website,firma,manual,"
      "guide,user,users,start,reference,documentation,faq,frequently,asked,questions,web,christmas,easter,god,"
      "kapitel,abschnitt,artikel,tabelle,abbildung,anhang,anlage,seite,vertrag,rechnung,datum,betreff,sehr,mit,"
      "hinweis,beispiel,einleitung,zusammenfassung,käufer,verkäufer,auftraggeber,auftragnehmer,vermieter,"
      "mieter,chapitre,annexe,tableau,exemple,capítulo,sección,artículo,tabla,figura,anexo,ejemplo,today,"
      "yesterday,tomorrow,last,next,happy,please,thank,thanks,hello,hi,only,magazine,journal,review,times,post,"
      "news,report,committee,item,items,step,option,options,file,files,error,warning,see,use,using,license,free"),
    WORDS(DM_EX_NOT_NAME | DM_EX_ADJECTIVE,
      "english,german,french,spanish,italian,american,british,european,russian,chinese,japanese,indian,dutch,"
      "swiss,austrian,polish,north,south,east,west,northern,southern,eastern,western,new,old,first,second,"
      "third,great,best,good,general,public,free,all,internet,online,city,street,country,technical,quick"),
};
/* clang-format on */

const struct dm_ex_table dm_ex_general = { rows, DM_COUNT(rows) };
