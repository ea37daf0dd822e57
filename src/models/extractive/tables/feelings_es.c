/* feelings_es.c: Spanish words of feeling, from -3 to 3. A word counts in all forms of its stem;
 * 0 takes a form out. Written for docmill. */
#include "models/extractive/lexicon.h"

/* clang-format off */
static const struct dm_ex_feeling_row rows[] = {
    { 3,
      "excelente,excepcional,espectacular,estupendo,estupenda,extraordinario,extraordinaria,fabuloso,fabulosa,"
      "fantástico,fantástica,genial,impresionante,increíble,magnífico,magnífica,maravilloso,maravillosa,"
      "perfecto,perfecta,precioso,preciosa,sobresaliente,amor,amar,encantar,encanta,encantado,encantada,mejor,"
      "mejores,insuperable" },
    { 2,
      "admirable,agradable,alegre,alegría,amable,atractivo,belleza,bello,bella,bonito,bonita,bueno,buena,"
      "buenos,buenas,buen,cómodo,cómoda,confianza,contento,contenta,cordial,delicioso,deliciosa,disfrutar,"
      "divertido,divertida,eficaz,elegante,emocionante,éxito,exitoso,exitosa,fascinante,feliz,felicidad,"
      "felicitaciones,fiable,generoso,gracias,gratitud,guapo,gustar,gusta,gustó,hermoso,hermosa,honesto,"
      "ilusión,innovador,interesante,lindo,orgullo,orgulloso,placer,recomendar,recomiendo,recomendable,rico,"
      "satisfecho,satisfecha,satisfacción,simpático,sonrisa,talento,triunfo,valioso,victoria,ganar,acogedor,"
      "limpio,limpia" },
    { 1,
      "ayuda,ayudar,avance,barato,beneficio,beneficios,calma,claro,crecimiento,eficiente,esperanza,fácil,"
      "fácilmente,favorable,fuerte,moderno,mejora,mejorar,mejoró,oportunidad,paz,positivo,positiva,práctico,"
      "progreso,rápido,rápida,seguro,segura,sólido,tranquilo,tranquila,útil,ventaja,ventajas,amplio,competente" },
    { -1,
      "aburrido,aburrida,averiado,caro,cara,complicado,confuso,crítica,daño,debilidad,débil,defecto,defectuoso,"
      "demora,desagradable,desventaja,difícil,dificultad,duda,error,escaso,falta,frío,incómodo,inconveniente,"
      "ineficaz,insatisfecho,insatisfecha,insuficiente,inútil,lamentable,lamentar,lento,lenta,miedo,molesto,"
      "molestia,negativo,negativa,pérdida,pérdidas,pobre,preocupación,preocupado,problema,problemas,queja,"
      "quejas,retraso,roto,ruidoso,sucio,sucia,tarde,desafortunadamente,lamentablemente" },
    { -2,
      "asesinato,crisis,culpable,decepción,decepcionado,decepcionada,decepcionante,desesperación,desgracia,"
      "dolor,doloroso,engaño,enfadado,enfermedad,enojo,estafa,estúpido,feo,fea,fracaso,fracasar,fraude,furioso,"
      "guerra,inaceptable,incompetente,infeliz,insulto,ira,llorar,malo,mala,malos,malas,mal,mediocre,mentira,"
      "miseria,morir,muerte,odiar,odio,peligro,peligroso,peor,peores,quiebra,ridículo,robo,ruina,sufrimiento,"
      "sufrir,tragedia,triste,tristeza,vergüenza,víctima,violencia,violento,grosero" },
    { -3,
      "asqueroso,asquerosa,atroz,catástrofe,catastrófico,cruel,desastre,desastroso,espantoso,horrible,horror,"
      "infernal,pésimo,pésima,pesadilla,repugnante,terrible" },
    { 0,
      "bienes,ganado,claramente,seguros,fuertemente,amplia,caras,faltan,puertorriqueño" },
};
/* clang-format on */

const struct dm_ex_feeling_table dm_ex_feelings_es = { rows, DM_COUNT(rows) };
